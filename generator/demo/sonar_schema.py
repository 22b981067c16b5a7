"""The part of Sonar v2's GraphQL schema that a shaper can meet, as text (facts: Sonar, 3 and 4).

Polymorphic links are interfaces: Sonar has no unions. A fragment on a type that does not implement the
interface is a validation error, as it is there.
"""

SDL = """
scalar Int64Bit
scalar Datetime
scalar SubnetScalar

enum ServiceType { ADJUSTMENT DATA EXPIRING ONE_TIME OVERAGE RECURRING VOICE }
enum IpassignmenthistoryableType { Account InventoryItem NetworkSite RadiusAccount UninventoriedMacAddress }
enum IpassignmentableType {
  Account InventoryItem InventoryModelFieldData NetworkSite RadiusAccount UninventoriedMacAddress
}

input Paginator { page: Int records_per_page: Int }

interface IpassignmenthistoryableInterface { id: Int64Bit! }
interface IpassignmentableInterface { id: Int64Bit! }

type PageInfo { page: Int! total_pages: Int! total_count: Int! records_per_page: Int! }

type Query {
  accounts(paginator: Paginator, is_delinquent: Boolean): AccountConnection
  account_statuses(paginator: Paginator): AccountStatusConnection
  services(paginator: Paginator, type: ServiceType, enabled: Boolean): ServiceConnection
  ip_assignments(paginator: Paginator): IpAssignmentConnection
  ip_assignment_histories(paginator: Paginator, removed_datetime: Datetime): IpAssignmentHistoryConnection
}

type AccountConnection { entities: [Account]! page_info: PageInfo! }
type AccountStatusConnection { entities: [AccountStatus]! page_info: PageInfo! }
type AccountServiceConnection { entities: [AccountService]! page_info: PageInfo! }
type ServiceConnection { entities: [Service]! page_info: PageInfo! }
type IpAssignmentConnection { entities: [IpAssignment]! page_info: PageInfo! }
type IpAssignmentHistoryConnection { entities: [IpAssignmentHistory]! page_info: PageInfo! }
type InventoryModelFieldDataConnection { entities: [InventoryModelFieldData]! page_info: PageInfo! }

type Account implements IpassignmenthistoryableInterface & IpassignmentableInterface {
  id: Int64Bit!
  name: String!
  account_status_id: Int64Bit
  account_status: AccountStatus
  account_services(paginator: Paginator): AccountServiceConnection
  archived_at: Datetime
  is_delinquent: Boolean!
  parent_account_id: Int64Bit
}
type AccountStatus { id: Int64Bit! name: String! activates_account: Boolean! }
type AccountService {
  id: Int64Bit!
  account_id: Int64Bit!
  service_id: Int64Bit!
  service(type: ServiceType): Service
  quantity: Int!
}
type Service {
  id: Int64Bit!
  name: String!
  type: ServiceType!
  enabled: Boolean!
  data_service_detail: DataServiceDetail
}
type DataServiceDetail {
  download_speed_kilobits_per_second: Int!
  upload_speed_kilobits_per_second: Int!
}
type IpAssignmentHistory {
  id: Int64Bit!
  subnet: SubnetScalar!
  assigned_datetime: Datetime!
  removed_datetime: Datetime
  description: String
  soft: Boolean!
  unique_identifier: String
  ip_assignment_id: Int64Bit
  account_service_id: Int64Bit
  account_service: AccountService
  ipassignmenthistoryable_id: Int64Bit
  ipassignmenthistoryable_type: IpassignmenthistoryableType
  ipassignmenthistoryable: IpassignmenthistoryableInterface
}
type IpAssignment {
  id: Int64Bit!
  subnet: SubnetScalar!
  description: String
  soft: Boolean!
  account_service_id: Int64Bit
  ipassignmentable_id: Int64Bit!
  ipassignmentable_type: IpassignmentableType!
  ipassignmentable: IpassignmentableInterface
}
type InventoryItem implements IpassignmenthistoryableInterface & IpassignmentableInterface {
  id: Int64Bit!
  parent_inventory_item_id: Int64Bit
  parent_inventory_item: InventoryItem
  ip_assignments(paginator: Paginator): IpAssignmentConnection
  inventory_model_field_data(paginator: Paginator): InventoryModelFieldDataConnection
}
type InventoryModelFieldData implements IpassignmentableInterface {
  id: Int64Bit!
  value: String
  inventory_item: InventoryItem
  ip_assignments(paginator: Paginator): IpAssignmentConnection
}
type NetworkSite implements IpassignmenthistoryableInterface & IpassignmentableInterface { id: Int64Bit! }
type RadiusAccount implements IpassignmenthistoryableInterface & IpassignmentableInterface { id: Int64Bit! }
type UninventoriedMacAddress implements IpassignmenthistoryableInterface & IpassignmentableInterface {
  id: Int64Bit!
}
"""
